package s3db

// CountedPassphrase is WithPassphrase whose derivations are counted by f.
func CountedPassphrase(passphrase string, f func()) Option {
	derived := &derivations{derive: func(passphrase, salt []byte) []byte {
		f()
		return deriveRoot(passphrase, salt)
	}}
	return func(o *options) error {
		o.keys = append(o.keys, keySource{passphrase: []byte(passphrase), derived: derived})
		return nil
	}
}
