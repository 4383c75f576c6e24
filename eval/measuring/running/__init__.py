"""How a run is carried out: processes here, workers of a cluster, and compilers beside both."""
