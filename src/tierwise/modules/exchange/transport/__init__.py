"""Ways to carry a batch: each takes a parcel and says what became of it. None touches the database."""
