"""Packs: folders of tables that people edit."""
