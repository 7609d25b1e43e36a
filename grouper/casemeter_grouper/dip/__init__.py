"""DIP: catalogues of groups joined by the principal diagnosis, and grouping by them."""
