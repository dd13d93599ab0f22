"""Readers of molecules: tables of SMILES."""
