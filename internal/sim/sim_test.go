package sim

import (
	"os"
	"strconv"
)

// cases is the number of cases of a test: CASES of the environment, or some.
func cases(some int) int {
	if n, err := strconv.Atoi(os.Getenv("SIM_CASES")); err == nil && n > 0 {
		return n
	}
	return some
}
