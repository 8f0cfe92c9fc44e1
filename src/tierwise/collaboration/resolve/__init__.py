"""Cases: something one company puts to the other, the way it goes, and the ruling."""
