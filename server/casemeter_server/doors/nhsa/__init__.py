"""The door of the national detail-audit messages 3101, 3102 and 3103: translators without input or output."""
