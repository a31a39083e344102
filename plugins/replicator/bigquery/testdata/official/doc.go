// Package official tests the double of BigQuery with Google's own client, which knows
// nothing of the double or of the driver: what it understands is BigQuery's protocol.
// It is a module of its own, since that client links 43 modules.
package official
