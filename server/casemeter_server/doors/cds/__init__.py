"""The door of HL7 CDS Hooks 2.0: calls with FHIR R4 prefetch in, cards out, feedback taken."""
