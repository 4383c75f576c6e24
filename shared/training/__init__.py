"""Training of encoder networks under a byte budget: one loop for every codec (needs torch).

A network sees a picture and the number of bits it may spend. What it proposes is quantized,
priced, ranked by contrast and cut at the budget; the survivors are decoded by a float twin of
the codec, judged by the smart error, and the gradient goes back through all of it.
"""
