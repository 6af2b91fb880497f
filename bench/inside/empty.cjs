// The empty program of the start section.
