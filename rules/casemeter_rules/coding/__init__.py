"""What the coding kinds share: items of the front page, moments, groups of patients, and names."""
