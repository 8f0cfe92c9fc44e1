"""The mailroom: messages come in by LMTP or IMAP, are kept, and are read by the worker."""
