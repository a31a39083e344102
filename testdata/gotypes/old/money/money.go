// Package money has the name of another package.
package money

// Cents is converted.
type Cents int64
