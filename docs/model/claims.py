#!/usr/bin/env python3
"""Exhaustive check of the unique-claim protocol (see DESIGN.md, section 6).

Objects live in a store whose only atomic steps are conditional PUT, conditional or plain DELETE, GET of ONE object.
Several clients run at once; every interleaving of their requests is explored, each client may crash before any
request, and (with --lost) a reply may be lost, after which the client does what the protocol says.
Invariant: never two documents with the value 'e'.  Switch a safeguard off with --without NAME to see it break.

usage: claims.py [--without fence|reclaim|token|condrelease|tombstone|overtaken] [--loops N] [--scenario all|NAME] [--deep]
"""
import sys, itertools
from collections import deque

args = sys.argv[1:]
def opt(name, d):
    return args[args.index(name) + 1] if name in args else d
WITHOUT = opt('--without', '')
LOOPS = int(opt('--loops', '3'))
ONLY = opt('--scenario', 'all')

# store: dict key -> (etag, value); U value = (owner, token) or ('', 0) when released; D value = (email, token, fenced) or ('tomb', 0, fenced).
# A delete leaves a tombstone: else the document would be absent again, and an insert that began before a fence, on the condition that
# the document is absent, could commit after it ('tombstone'). A local store removes the document, unless it was ever fenced, or was made
# by a write that took over the claim of another write to the same document, which may still be on its way ('overtaken').
# How a client deletes and releases: 'delete' = tombstone, claim deleted; 'rewrite' = tombstone, claim marked as released; 'local'.
# A client is (kind, me, pc, vars...) as a tuple; step(client, store, fresh) -> list of (client', store', fresh', done)
def put(store, key, val, cond, fresh):
    """cond: None = If-None-Match:*, or an etag. Returns (ok, store, fresh, etag)."""
    cur = store.get(key)
    if cond is None:
        if cur is not None: return False, store, fresh, None
    elif cur is None or cur[0] != cond: return False, store, fresh, None
    s = dict(store); s[key] = (fresh, val)
    return True, s, fresh + 1, fresh

def step(c, store, fresh):
    c = dict(c); pc = c['pc']; me = c['me']; D = 'D' + me
    def go(pc, **kw):
        n = dict(c); n.update(pc=pc, **kw); return n
    def done(res): return go('end', res=res)
    def retry(pc, **kw):
        if c['n'] >= LOOPS: return done('gave up')
        return go(pc, n=c['n'] + 1, **kw)
    if pc == 'start':                       # update: read own document first; insert: precondition is absence
        if c['kind'] == 'insert': return go('c0', t=None, mk=0), store, fresh
        cur = store.get(D)
        if cur is None or cur[1][0] == 'tomb': return done('not found'), store, fresh
        if c['kind'] == 'delete': return go('del', t=cur[0], old=cur[1], mk=cur[1][2]), store, fresh
        if cur[1][0] == c['want']: return done('nop'), store, fresh
        return go('c0' if c['want'] == 'e' else 'commit', t=cur[0], old=cur[1], tok=0, mk=cur[1][2]), store, fresh
    if pc == 'c0':                          # first claim
        tok = fresh
        ok, s, f, _ = put(store, 'U', (me, tok), None, fresh)
        return (go('commit', tok=tok), s, f) if ok else (go('c1'), store, fresh)
    if pc == 'c1':                          # look at the claim
        u = store.get('U')
        if u is None: return retry('c0', inh=0), store, fresh
        owner = u[1][0]
        inh = int(owner == me and WITHOUT != 'overtaken' and (c['inh'] or u[1][1] != c['tok']))
        if owner == me:
            c['inh'] = inh
            if WITHOUT == 'reclaim': return go('commit', tok=u[1][1]), store, fresh
            return go('c4', u=u[0]), store, fresh       # re-claim by rewriting it
        if owner == '': return go('c4', u=u[0], inh=0), store, fresh
        return go('c2', u=u[0], owner=owner, inh=0), store, fresh
    if pc == 'c2':                          # look at the owner's document
        d = store.get('D' + c['owner'])
        if d is not None and d[1][0] == 'e': return done('ErrUnique'), store, fresh
        if WITHOUT == 'fence': return go('c4'), store, fresh
        return go('c3', d=d), store, fresh
    if pc == 'c3':                          # fence: change the owner's document, whatever it is
        d = c['d']; k = 'D' + c['owner']
        ok, s, f, _ = put(store, k, ('tomb', 0, 1) if d is None else d[1][:2] + (1,), None if d is None else d[0], fresh)
        return (go('c4', d=None), s, f) if ok else (retry('c1', d=None), store, fresh)
    if pc == 'c4':                          # take (or retake) the claim
        tok = fresh
        ok, s, f, _ = put(store, 'U', (me, tok), c['u'], fresh)
        return (go('commit', tok=tok), s, f) if ok else (retry('c1'), store, fresh)
    if pc == 'commit':
        ok, s, f, _ = put(store, D, (c['want'], c['tok'], int(c['mk'] or c['inh'])), c['t'], fresh)
        if ok: return (go('release') if c['kind'] == 'update' and c['old'][0] == 'e' else done('ok')), s, f
        return go('lost'), store, fresh
    if pc == 'lost':                        # own document changed under us
        cur = store.get(D)
        if c['kind'] == 'insert':
            if cur is None: return retry('c1' if c['want'] == 'e' else 'commit', t=None, mk=0), store, fresh
            if cur[1][0] != 'tomb': return done('exists'), store, fresh
            return retry('c1', t=cur[0], mk=cur[1][2]), store, fresh
        if cur is None or cur[1][0] == 'tomb': return done('not found'), store, fresh
        return retry('c1' if c['want'] == 'e' else 'commit', t=cur[0], old=cur[1], mk=cur[1][2]), store, fresh
    if pc == 'del':
        if store.get(D, (None,))[0] != c['t']: return retry('start'), store, fresh
        if WITHOUT != 'tombstone' and (c['mk'] or c['mark'] != 'local'):
            ok, s, fresh, _ = put(store, D, ('tomb', 0, c['mk']), c['t'], fresh)
        else:
            s = dict(store); del s[D]
        return (go('release') if c['old'][0] == 'e' else done('ok')), s, fresh
    if pc == 'release':                     # after leaving 'e': find the claim we held
        u = store.get('U')
        mine = u is not None and u[1][0] == me and (WITHOUT == 'token' or u[1][1] == c['old'][1])
        return (go('release2', u=u[0]) if mine else done('ok')), store, fresh
    if pc == 'release2':
        u = store.get('U')
        if u is None or (u[0] != c['u'] and WITHOUT != 'condrelease'): return done('ok'), store, fresh
        s = dict(store)
        if c['mark'] == 'rewrite': s['U'] = (fresh, ('', 0)); return done('ok'), s, fresh + 1
        del s['U']; return done('ok'), s, fresh
    raise AssertionError(pc)

def norm(clients, store):
    """Rename etags and tokens by first appearance, so that equal states compare equal."""
    m = {}
    def r(x): return m.setdefault(x, len(m) + 1) if isinstance(x, int) and x > 0 else x
    st = tuple((k, r(store[k][0]), tuple(r(v) if isinstance(v, int) and i < 2 else v for i, v in enumerate(store[k][1]))) for k in sorted(store))
    cl = []
    for c in clients:
        row = []
        for k in sorted(c):
            v = c[k]
            if k in ('t', 'u', 'tok'): v = r(v)
            elif k == 'old' and v: v = (v[0], r(v[1]) if len(v) > 1 else 0, v[2])
            elif k == 'd' and v: v = (r(v[0]), (v[1][0], r(v[1][1]), v[1][2]))
            row.append((k, v))
        cl.append(tuple(row))
    return tuple(cl), st

def client(kind, me, want='e', mark='delete'):
    return dict(kind=kind, me=me, want=want, mark=mark, pc='start', n=0, t=None, u=None, tok=0, old=None, d=None, owner='', res='', mk=0, inh=0)

def explore(name, clients, store):
    fresh = 100
    seen = set(); q = deque([(clients, store, fresh, ())]); states = 0; outcomes = {}
    while q:
        cl, st, fr, trace = q.popleft()
        key = norm(cl, st)
        if key in seen: continue
        seen.add(key); states += 1
        if sum(1 for k, v in st.items() if k[0] == 'D' and v[1][0] == 'e') > 1:
            print(f'{name}: VIOLATION after {states} states'); [print('   ', x) for x in trace]; return False
        live = [i for i, c in enumerate(cl) if c['pc'] not in ('end', 'dead')]
        if not live:
            o = tuple(c['res'] or 'crash' for c in cl); outcomes[o] = outcomes.get(o, 0) + 1
        for i in live:
            n, s, f = step(cl[i], st, fr)
            l = list(cl); l[i] = n
            q.append((l, s, f, trace + ((cl[i]['me'], cl[i]['kind'], cl[i]['pc']),)))
            if cl[i]['n'] == 0:             # crash before this request
                l = list(cl); l[i] = dict(cl[i], pc='dead'); q.append((l, st, fr, trace + ((cl[i]['me'], 'crash', cl[i]['pc']),)))
    print(f'{name}: ok, {states} states, {len(outcomes)} outcomes')
    return True

base = {'D1': (1, ('x', 0, 0))}
held = {'D1': (1, ('e', 50, 0)), 'U': (2, ('1', 50))}
scen = {}
for mark in ('delete', 'rewrite', 'local'):
    m = f' ({mark})'
    scen['two inserts' + m] = ([client('insert', '2', mark=mark), client('insert', '3', mark=mark)], {})
    scen['update against insert' + m] = ([client('update', '1', 'e', mark), client('insert', '2', mark=mark)], base)
    scen['update, update of one document, insert' + m] = ([client('update', '1', 'e', mark), client('update', '1', 'y', mark), client('insert', '2', mark=mark)], base)
    scen['leave, return, insert' + m] = ([client('update', '1', 'y', mark), client('update', '1', 'e', mark), client('insert', '2', mark=mark)], held)
    scen['delete, insert, insert' + m] = ([client('delete', '1', '', mark), client('insert', '2', mark=mark), client('insert', '3', mark=mark)], held)
    scen['delete other value, blind insert same id, insert' + m] = ([client('delete', '1', '', mark), client('insert', '1', mark=mark), client('insert', '3', mark=mark)], base)
    scen['delete, re-insert same id, insert' + m] = ([client('delete', '1', '', mark), client('insert', '1', mark=mark), client('insert', '3', mark=mark)], held)
# An insert that has its claim and is about to commit; and one document less, to keep the number of states small.
slow = dict(client('insert', '1', mark='local'), pc='commit', tok=50)
if '--deep' in args or 'overtaken' in (ONLY, WITHOUT):
  scen['slow insert overtaken by an insert and its delete, insert (local)'] = (
    [slow, client('insert', '1', mark='local'), client('delete', '1', '', 'local'), client('insert', '2', mark='local')], {'U': (2, ('1', 50))})
if '--deep' in args:                        # some minutes each
    for mark in ('delete', 'rewrite', 'local'):
        scen[f'three inserts ({mark})'] = ([client('insert', i, mark=mark) for i in '234'], {})
ok = True
for name, (cl, st) in scen.items():
    if ONLY != 'all' and ONLY not in name: continue
    ok &= explore(name, cl, st)
sys.exit(0 if ok else 1)
