#!/usr/bin/env python3
"""Exhaustive check of partition entries (see docs/protocol.md).

One document D = (revision, value, token) and its entries E = {(value, token)}. Writers put the entry first, then commit D by
compare-and-swap, then delete what is stale with plain deletes. A commit or delete that was sent may be applied at any later time, or
never; the client may stop waiting at any moment (timeout) and must then find out; clients may crash; a sweeper removes
entries that no document names. Invariant: a committed document always has its entry.

usage: entries.py [--without token|order|certain|age] [--loops N]
  token    entries are named by value alone        order    the document is committed before its entry
  certain  a writer cleans up its own entry after a timeout without knowing that its commit is impossible
  age      the sweeper removes entries whose writer may still be at work
"""
import sys
from collections import deque
args = sys.argv[1:]
def opt(n, d): return args[args.index(n) + 1] if n in args else d
WITHOUT, LOOPS = opt('--without', ''), int(opt('--loops', '2'))

# state: (D, E, net, clients, fresh); net = frozenset of requests in flight
# client: (name, kind, target, pc, n, base, old, tok, rev)  base: revision read (0 = absent), old: (value, tok) of it
def successors(st):
    D, E, net, cls, fresh = st
    out = []
    for r in net:                                            # the network delivers, or drops
        rest = net - {r}
        if r[0] == 'put':
            _, cond, rev, val, tok, opt_ = r
            cur = D[0] if D else 0
            out.append((f'deliver {r}', ((rev, val, tok) if cur == cond else D), E, rest, cls, fresh))
        elif r[0] == 'delD':
            out.append((f'deliver {r}', (None if D and D[0] == r[1] else D), E, rest, cls, fresh))
        else:
            out.append((f'deliver {r}', D, E - {r[1]}, rest, cls, fresh))
        out.append((f'drop {r}', D, E, rest, cls, fresh))
    for i, c in enumerate(cls):
        name, kind, target, pc, n, base, old, tok, rev = c
        def put(nc, D=D, E=E, net=net, fresh=fresh, what=None):
            l = list(cls); l[i] = nc; out.append((f'{name} {what or pc}', D, E, net, tuple(l), fresh))
        def c2(**k):
            d = dict(name=name, kind=kind, target=target, pc=pc, n=n, base=base, old=old, tok=tok, rev=rev); d.update(k); return tuple(d.values())
        if pc in ('end', 'dead'): continue
        put(c2(pc='dead'), what=f'crash at {pc}')
        if pc == 'read':
            if kind == 'insert':
                if D: put(c2(pc='end'))
                else: put(c2(pc='entry', base=0, old=None))
            elif not D: put(c2(pc='end'))
            elif kind == 'delete': put(c2(pc='senddel', base=D[0], old=(D[1], D[2])))
            elif D[1] == target: put(c2(pc='end'))
            else: put(c2(pc='entry', base=D[0], old=(D[1], D[2])))
        elif pc == 'entry':
            t = 0 if WITHOUT == 'token' else fresh
            E2 = E if WITHOUT == 'order' else E | {(target, t)}
            put(c2(pc='send', tok=t, rev=fresh + 1), E=E2, fresh=fresh + 2)
        elif pc == 'send':
            put(c2(pc='wait'), net=net | {('put', base, rev, target, tok, name)})
        elif pc == 'wait':
            mine = ('put', base, rev, target, tok, name)
            if mine not in net:                              # reply: applied or refused (or dropped: looks like a timeout)
                put(c2(pc='look'), what='reply')
            else: put(c2(pc='look'), what='timeout')
        elif pc == 'look':                                   # any outcome that is not a plain success is found out by reading D
            cur = D[0] if D else 0
            if cur == rev: put(c2(pc='late' if WITHOUT == 'order' else 'clean'), what='committed')
            elif cur == base:
                if WITHOUT == 'certain': put(c2(pc='undo'), what='gives up')
                elif n < LOOPS: put(c2(pc='send', n=n + 1), what='same bytes again')
                else: put(c2(pc='end'), what='leaves it')
            else: put(c2(pc='undo'), what='impossible now')
        elif pc == 'late':
            put(c2(pc='clean'), E=E | {(target, tok)})
        elif pc == 'undo':                                   # own entry of an attempt that can no longer commit
            net2 = net | {('delE', (target, tok))}
            if n < LOOPS: put(c2(pc='read', n=n + 1, tok=0), net=net2)
            else: put(c2(pc='end'), net=net2)
        elif pc == 'clean':
            put(c2(pc='end'), net=(net | {('delE', old)}) if old else net)
        elif pc == 'senddel':
            put(c2(pc='waitdel'), net=net | {('delD', base)})
        elif pc == 'waitdel':
            if D is None or D[0] != base: put(c2(pc='clean') if D is None else c2(pc='end'))
            elif ('delD', base) not in net: put(c2(pc='end'))
    for e in E:                                              # the sweeper
        if D and (D[1], D[2]) == e: continue
        busy = any(r[0] == 'put' and (r[3], r[4]) == e for r in net) or any(c[3] not in ('end', 'dead') and (c[2], c[7]) == e for c in cls)
        if busy and WITHOUT != 'age': continue
        out.append((f'sweep {e}', D, E - {e}, net, cls, fresh))
    return out

def norm(st):
    D, E, net, cls, fresh = st
    m = {0: 0}
    def r(x): return m.setdefault(x, len(m)) if isinstance(x, int) else x
    d = tuple(r(x) for x in D) if D else None
    cl = tuple((c[0], c[1], c[2], c[3], c[4], r(c[5]), tuple(r(x) for x in c[6]) if c[6] else None, r(c[7]), r(c[8])) for c in cls)
    nn = []
    for q in sorted(net, key=repr):
        nn.append(tuple(r(x) if isinstance(x, int) else tuple(r(y) for y in x) if isinstance(x, tuple) else x for x in q))
    return d, tuple(sorted(tuple(r(x) for x in e) for e in sorted(E))), tuple(sorted(nn, key=repr)), cl

def cl(name, kind, target): return (name, kind, target, 'read', 0, 0, None, 0, 0)
def explore(name, D, E, cls, limit=1500000):
    seen = set(); q = deque([((D, E, frozenset(), tuple(cls), 100), ())])
    while q:
        st, tr = q.popleft()
        k = norm(st)
        if k in seen: continue
        seen.add(k)
        if st[0] and (st[0][1], st[0][2]) not in st[1]:
            print(f'{name}: VIOLATION after {len(seen)} states'); [print('   ', x) for x in tr[-24:]]; return False
        if len(seen) > limit: print(f'{name}: ok so far, stopped at {limit} states'); return True
        for what, *n in successors(st): q.append((tuple(n), tr + (what,)))
    print(f'{name}: ok, {len(seen)} states'); return True

start = (1, 'A', 50); E0 = frozenset({('A', 50)})
ok = True
ok &= explore('one move', start, E0, [cl('w1', 'update', 'B')])
ok &= explore('away and back', start, E0, [cl('w1', 'update', 'B'), cl('w2', 'update', 'A')])
ok &= explore('two moves', start, E0, [cl('w1', 'update', 'B'), cl('w2', 'update', 'C')])
ok &= explore('insert against insert', None, frozenset(), [cl('w1', 'insert', 'A'), cl('w2', 'insert', 'B')])
ok &= explore('move against delete', start, E0, [cl('w1', 'update', 'B'), cl('w2', 'delete', '')])
sys.exit(0 if ok else 1)
