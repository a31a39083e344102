// Package postgres replicates documents into tables of PostgreSQL, which it creates
// and evolves from the schema.
//
//	target, err := postgres.New(postgres.Config{ConnectionString: "postgres://app@db.example.com/analytics"})
//
// A table has a row for each document: its id, a typed column for each attribute (or
// all of the document in one jsonb column), and five columns of its own, whose names
// begin with "_" as no attribute's does. Deleted documents leave a row with _deleted
// set and without values, so that a change that comes late has no effect:
//
//	SELECT name, age FROM users WHERE NOT _deleted
//
// A batch of changes, the position that is reached with it and its lines in the log
// table are one transaction in one round trip. README.md has the map of types, what
// is refused, and how tables evolve.
package postgres
