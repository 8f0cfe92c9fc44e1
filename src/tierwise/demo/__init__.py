"""The demo company: an invented maker of professional kitchen and coffee equipment, and everybody it trades with."""
