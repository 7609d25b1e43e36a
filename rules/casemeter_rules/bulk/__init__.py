"""Tables of pairs too large to be read row by row: sorted on disk, and put into the arrays of a bundle."""
