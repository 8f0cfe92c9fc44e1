"""What changes over the years, and how nothing is lost on the way."""
