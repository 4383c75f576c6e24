"""Commands about files of tens to hundreds of bytes."""
