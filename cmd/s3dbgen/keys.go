package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// passphraseEnv names the environment variable with the passphrase of commands
// that are given no key.
const passphraseEnv = "S3DB_PASSPHRASE"

// keysHelp tells how keys are given, for the help of commands that take them.
const keysHelp = `Keys are read from files, so that no list of processes shows them:
--passphrase-file FILE, and --key-file ID=FILE with 32 bytes as they are, in
hexadecimal or in base64. Both may be given several times; the first one encrypts.
Without either, the environment variable ` + passphraseEnv + ` is the passphrase.`

// keyFlags are the keys of secrets that a command was given, in their order.
type keyFlags struct{ options []s3db.Option }

func (k *keyFlags) register(command *cobra.Command) {
	flags := command.Flags()
	flags.Func("passphrase-file", "file with a passphrase on its first line", k.addPassphrase)
	flags.Func("key-file", "ID=FILE: id of a key and the file that holds it", k.addKey)
}

// list returns the options for Open.
func (k *keyFlags) list() []s3db.Option {
	if len(k.options) == 0 {
		if passphrase := os.Getenv(passphraseEnv); passphrase != "" {
			return []s3db.Option{s3db.WithPassphrase(passphrase)}
		}
	}
	return k.options
}

func (k *keyFlags) addPassphrase(path string) error {
	text, err := readFile(path)
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return fmt.Errorf("%s: the first line is empty, it must be the passphrase", path)
	}
	k.options = append(k.options, s3db.WithPassphrase(line))
	return nil
}

func (k *keyFlags) addKey(text string) error {
	id, path, ok := strings.Cut(text, "=")
	if !ok || id == "" || path == "" {
		return errors.New("must be ID=FILE")
	}
	key, err := readKey(path)
	if err != nil {
		return err
	}
	k.options = append(k.options, s3db.WithKey(id, key))
	return nil
}

// readKey reads the file of a key.
func readKey(path string) ([]byte, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	key, ok := parseKey(data)
	if !ok {
		return nil, fmt.Errorf("%s: a key is 32 bytes: as they are, in hexadecimal or in base64", path)
	}
	return key, nil
}

func parseKey(data []byte) (key []byte, ok bool) {
	const size = 32
	if len(data) == size {
		return data, true
	}
	text := string(bytes.TrimSpace(data))
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawURLEncoding.DecodeString} {
		if key, err := decode(text); err == nil && len(key) == size {
			return key, true
		}
	}
	return nil, false
}
