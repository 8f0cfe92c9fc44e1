"""What every room stands on, without a business word: access, audit, clock, jobs, outbox, files, ids."""
