package process

import (
	"os"
	"path/filepath"
)

// Tools returns the directory into which make installs what tests need, .tools of
// the project: the nearest one above the working directory, which for a test is
// that of its package. Without one it returns "".
func Tools() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		tools := filepath.Join(dir, ".tools")
		if _, err := os.Stat(tools); err == nil {
			return tools
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}
