//go:build !unix

package postgres

import "syscall"

// owner is the user who runs the cluster: the one of the test.
type owner struct {
	attributes syscall.SysProcAttr
}

func ownerOf(string) (owner, error) { return owner{}, nil }

func (owner) give(string) error { return nil }

// become returns the attributes of a process of that user.
func (o owner) become() *syscall.SysProcAttr {
	attributes := o.attributes
	return &attributes
}
