"""The smart error, the bands it is made of, and importance of errors by place and octave."""
