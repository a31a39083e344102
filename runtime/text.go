package s3db

import "encoding/base64"

// armour and its inverse: see the next commit.

func appendArmour(b []byte, s string) []byte {
	if plainWire(s) {
		return append(b, s...)
	}
	if s == "" {
		return append(b, '~')
	}
	b = append(b, '~', ' ')
	return base64.RawURLEncoding.AppendEncode(b, []byte(s))
}

func plainWire(s string) bool {
	if s == "" || s[0] == ' ' || s[len(s)-1] == ' ' || (s[0] == '=' && len(s) > 1 && s[1] == '?') || s[0] == '~' {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return false
		}
	}
	return true
}

func unarmour(s string) (string, error) {
	if s == "~" {
		return "", nil
	}
	if len(s) > 1 && s[:2] == "~ " {
		b, err := base64.RawURLEncoding.DecodeString(s[2:])
		return string(b), err
	}
	return s, nil
}
