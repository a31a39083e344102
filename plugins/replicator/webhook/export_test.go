package webhook

import "time"

// Hurry makes a target try again after milliseconds.
func (t *Target) Hurry() { t.first = time.Millisecond }
