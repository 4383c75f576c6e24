"""Reporting: rows to tables, plots and pages."""
