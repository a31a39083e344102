//go:build unix

package postgres

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// owner is the user who runs the cluster.
type owner struct {
	attributes syscall.SysProcAttr // how processes become that user
}

// ownerOf gives a directory to the user who will run the cluster. PostgreSQL refuses
// to run as root: then it is the user that its package made, or nobody.
func ownerOf(dir string) (owner, error) {
	if os.Geteuid() != 0 {
		return owner{}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return owner{}, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return owner{}, err
	}
	o := owner{syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}}
	return o, o.give(dir)
}

// give makes the user the owner of a file.
func (o owner) give(path string) error {
	if o.attributes.Credential == nil {
		return nil
	}
	return os.Chown(path, int(o.attributes.Credential.Uid), int(o.attributes.Credential.Gid))
}

// become returns the attributes of a process of that user.
func (o owner) become() *syscall.SysProcAttr {
	attributes := o.attributes
	return &attributes
}
