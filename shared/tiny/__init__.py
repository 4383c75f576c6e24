"""Files of tens to hundreds of bytes: pictures that stand in for a picture."""
