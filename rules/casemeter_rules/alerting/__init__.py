"""How findings are shown: who is interrupted by what, how often, and which rules have lost that right."""
