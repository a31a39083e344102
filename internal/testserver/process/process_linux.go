package process

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the process when the test binary dies without
// stopping it.
func dieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
