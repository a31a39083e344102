// Package behaviors holds the policies for documents whose attributes do not fit
// the metadata of one object: five, one a file. A schema names one of them for
// each resource; generated code passes it to the runtime.
//
//	behavior        fits      above the limit
//	user-managed    metadata  event; the largest attributes go to the body
//	enforce-limits  metadata  error, nothing is written
//	truncate-data   metadata  event; the longest texts are cut, "..." at their ends
//	body-overflow   metadata  event; the largest attributes go to the body
//	body-only       body      body
package behaviors
