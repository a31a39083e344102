package canary

import "bytes"

// Stream is a writer that looks for canaries in all that is written to it, also
// where two writes meet.
type Stream struct {
	// Leak is told how a canary was written down, and what was around it.
	Leak func(how string, around []byte)

	tail []byte
}

// Write searches p and never fails.
func (s *Stream) Write(p []byte) (int, error) {
	text := append(s.tail, p...)
	if how := Find(text); how != "" {
		s.Leak(how, text)
		s.tail = nil // found
		return len(p), nil
	}
	s.tail = bytes.Clone(text[max(0, len(text)-longest()):])
	return len(p), nil
}

// longest returns the bytes of the longest form of a canary.
func longest() int {
	n := 0
	for _, f := range forms() {
		n = max(n, len(f.text))
	}
	return n
}
