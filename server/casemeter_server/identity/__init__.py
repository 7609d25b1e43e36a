"""Who asks: tokens and their keys, the identity for trying out, and what each role may call."""
