"""Plans that both companies make and keep together."""
