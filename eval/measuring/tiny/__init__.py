"""Files of 32 to 500 bytes, ours beside what else shows a picture in so few."""
