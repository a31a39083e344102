#!/usr/bin/env python3
"""Exhaustive check of the settling protocol of the replicator (see docs/replication.md, "How it works").

One document in a store whose only atomic steps are a conditional PUT, a DELETE and a GET of ONE object; a listing
reads its two pages one after the other. Writers put an intent, commit, and remove the intent when they were beaten.
Settlers list intents, read the document, judge, append a segment and remove intents; two of them run at once, as when
a lease has expired and its holder does not know. Every interleaving of their requests is explored. At EVERY state it is
asked what happens if all of them crash there: a last settler takes up what is left.

Invariants: the log is always a beginning of what was committed, in that order, nothing twice; and after the last
settler it is all of it.  Switch a safeguard off with --without NAME to see it break.

usage: settle.py [--without intent|list|relist|memory|number|life|age|follow] [--scenario all|NAME] [--past N]
"""
import sys
from collections import deque

args = sys.argv[1:]
def opt(name, d):
    return args[args.index(name) + 1] if name in args else d
WITHOUT = opt('--without', '')
ONLY = opt('--scenario', 'all')
PAST = int(opt('--past', '1'))          # revisions that a document remembers; 16 in truth

# Document: (rev, live, past) or None. A delete leaves a tombstone, which is a document that is not live.
# Intent object: key -> tuple of (rev, base, kind). The log: tuple of (number, changes, keys, carried).
# World: (doc, outbox, log, fresh, writers, settlers, history, late); history is what was committed, in order, and late
# are intents whose put may arrive a second time.

def known(doc, rev):
    """How many writes ago the document was at rev; -1: it does not say."""
    if doc is None or rev is None: return -1
    if doc[0] == rev: return 0
    return doc[2].index(rev) + 1 if rev in doc[2] else -1

def judge(doc, intents, late, dead, all_):
    """intents: list of (rev, base, kind), late: those listed after the document was read; dead: revs of writers
    that are gone for an hour. Returns (committed in order, aborted, open, unexplained)."""
    early = [x for x in intents if x[0] not in late]
    followed = set(x[1] for x in early if x[1] is not None) if WITHOUT != 'follow' else set()
    by = {}
    for x in intents: by.setdefault(x[0], x)
    more = True
    while more:                                     # what a late write that was committed was prepared on was, too
        more = False
        for x in intents:
            if x[0] in late and (known(doc, x[0]) >= 0 or x[0] in followed) and x[1] is not None and x[1] not in followed:
                followed.add(x[1]); more = True
    committed, aborted, open_, doubtful = [], [], [], []
    rev = doc[0] if doc else None
    for x in by.values():
        replaced = x[1] is not None and (known(doc, x[1]) > 0 or
            any(y is not x and y[1] == x[1] and (known(doc, y[0]) >= 0 or y[0] not in late and y[0] in followed) for y in by.values()))
        if x[0] in late:
            if known(doc, x[0]) >= 0: committed.append(x)
        elif known(doc, x[0]) >= 0 or x[0] in followed: committed.append(x)
        elif replaced: aborted.append(x)
        elif x[1] is None or x[1] == rev:
            if WITHOUT == 'age': aborted.append(x)
            elif x[0] in dead: doubtful.append(x)
            else: open_.append(x)
        else: doubtful.append(x)
    i = 0
    while i < len(committed):                       # late ones that come before what was committed
        y = by.get(committed[i][1])
        if y is not None and y[0] in late and y not in committed: committed.append(y)
        i += 1
    next_ = {x[1]: x for x in committed if x[1] is not None}
    runs, unexplained = [], False
    for x in committed:
        if by.get(x[1]) in committed: continue
        unexplained |= x[1] is not None
        run = []
        while x is not None and len(run) <= len(committed):
            run.append(x); x = next_.get(x[0])
        runs.append(run)
    def ago(run):
        k = [known(doc, x[0]) for x in run if known(doc, x[0]) >= 0]
        return min(k) if k else None
    runs.sort(key=lambda r: (0, r[0][0]) if ago(r) is None else (1, -ago(r)))
    ordered = [x for r in runs for x in r]
    if not all_ and (doubtful or unexplained or ordered and ordered[-1][0] != rev): return ordered, aborted, open_ + doubtful, True
    return ordered, aborted + doubtful, open_, False

def page(outbox, n):
    """A page of a listing: keys by their hash, which has nothing to do with their age."""
    return tuple((k, v) for k, v in sorted(outbox.items()) if k % 2 == n)

# ---- writers: (pc, ops left, base document, rev, key) ------------------------------------------------------------
def writer(i, w, world):
    doc, outbox, log, fresh, ws, ss, hist, dups = world
    pc, ops, base, rev = w
    def go(nw, d=doc, o=outbox, f=fresh, h=hist, p=dups):
        l = list(ws); l[i] = nw
        return (d, o, log, f, tuple(l), ss, h, p)
    op = ops[0] if ops else None
    if pc == 'read':
        if op is None: return None
        live = doc is not None and doc[1]
        if op == 'insert' and live or op in ('update', 'delete') and not live: return go(('read', ops[1:], None, 0))
        return go(('intent' if WITHOUT != 'intent' else 'commit', ops, doc, fresh), f=fresh + 1)
    x = (rev, base[0] if base else None, op)
    if pc == 'intent':
        o = dict(outbox); o[rev] = (x,)
        nxt = ('commit', ops, base, rev) if WITHOUT != 'intent' else ('read', ops[1:], None, 0)
        return go(nxt, o=o, p=dups + (x,) if dups is not None else None)
    if pc == 'commit':
        if doc == base:
            past = ((base[0],) + base[2])[:PAST] if base else ()
            nxt = ('read', ops[1:], None, 0) if WITHOUT != 'intent' else ('intent', ops, base, rev)
            return go(nxt, d=(rev, op != 'delete', past), h=hist + ((rev, op),))
        return go(('drop', ops, base, rev))
    if pc == 'drop':                                  # beaten: remove the intent, begin again
        o = dict(outbox); o.pop(rev, None)
        return go(('read', ops, None, 0), o=o)

def dead(world):
    """Revisions whose writers are gone: all that no writer is about to commit."""
    return lambda rev: all(not (w[0] in ('intent', 'commit') and w[3] == rev) for w in world[4])

# ---- settlers: (pc, passes left, head number, carried, pages, doc, dead, late pages, segment, keys to delete) -----
IDLE = ('head', 0, 0, (), (), None, frozenset(), (), None, ())
def settler(i, s, world):
    doc, outbox, log, fresh, ws, ss, hist, dups = world
    pc, left, head, carried, pages, seen, gone, late, seg, keys = s
    def go(d=doc, o=outbox, l=log, **kw):
        n = dict(pc=pc, left=left, head=head, carried=carried, pages=pages, seen=seen, gone=gone, late=late, seg=seg, keys=keys); n.update(kw)
        t = list(ss); t[i] = (n['pc'], n['left'], n['head'], n['carried'], n['pages'], n['seen'], n['gone'], n['late'], n['seg'], n['keys'])
        return (d, o, l, fresh, ws, tuple(t), hist, dups)
    restart = dict(pages=(), seen=None, gone=frozenset(), late=(), seg=None, keys=())
    if pc == 'head':
        if left == 0: return None
        if not log: return go(pc='list0' if WITHOUT != 'list' else 'get', left=left - 1, head=0, carried=(), **restart)
        return go(pc='list0' if WITHOUT != 'list' else 'get', left=left - 1, head=log[-1][0], carried=log[-1][3], **restart)
    if pc == 'remove':                                # remove intents, one after the other
        if not keys: return settler(i, (('head', left, 0, ()) + IDLE[4:]), world)
        o = dict(outbox); o.pop(keys[0], None)
        return go(o=o, keys=keys[1:])
    known_ = set(k for x in log if x[0] <= head for k in x[2]) if WITHOUT != 'memory' else set()
    fresh_ = lambda p: tuple(x for x in p if x[0] not in known_)
    if pc == 'list0': return go(pc='list1', pages=page(outbox, 1))
    if pc == 'list1':
        found = pages + page(outbox, 0)
        return go(pc='get' if WITHOUT != 'list' else 'judge', pages=fresh_(found), keys=tuple(k for k, _ in found if k in known_))
    if pc == 'get':
        isdead = dead(world)
        g = frozenset(x[0] for v in outbox.values() for x in v if isdead(x[0])) | frozenset(x[0] for x in carried if isdead(x[0]))
        return go(pc='judge' if WITHOUT != 'list' else 'list0', seen=doc, gone=g)
    if pc in ('judge', 'rejudge'):
        early = [x for _, v in pages for x in v] + list(carried)
        extra = [x for _, v in late for x in v if x not in early]
        everything = pc == 'rejudge' or WITHOUT == 'relist'
        ordered, aborted, open_, more = judge(seen, early + extra, set(x[0] for x in extra), gone, everything)
        if more: return go(pc='relist0')
        decided = set(x[0] for x in ordered) | set(x[0] for x in aborted)
        committed = set(x[0] for x in ordered)
        keys_, carry = [], []
        for k, v in pages + tuple(p for p in late if p not in pages):
            rest = [x for x in v if x[0] not in decided]
            if not rest: keys_.append(k)
            elif any(x[0] in committed for x in v):
                keys_.append(k); carry += rest
        carry += [x for x in carried if x[0] not in decided]
        keys_ += keys                                 # there again, although they were settled
        if not ordered: return go(pc='remove', keys=tuple(keys_)) if keys_ else go(pc='head', **restart)
        segment = (head + 1, tuple((x[0], x[2]) for x in ordered), tuple(keys_), tuple(carry))
        return go(pc='append', seg=segment, keys=tuple(keys_))
    if pc == 'relist0': return go(pc='relist1', late=page(outbox, 1))
    if pc == 'relist1': return go(pc='rejudge', late=fresh_(late + page(outbox, 0)))
    if pc == 'append':
        there = any(x[0] == seg[0] for x in log)
        if WITHOUT == 'number':
            return go(pc='remove', l=tuple(x for x in log if x[0] != seg[0]) + (seg,))
        if there: return go(pc='head', **restart)
        return go(pc='remove', l=tuple(sorted(log + (seg,))))
    raise AssertionError(pc)

def collect(world):
    """Remove a segment that all targets have passed, never the head. It is an hour old, and whoever goes on with a
    head that it found before is gone by then."""
    doc, outbox, log, fresh, ws, ss, hist, dups = world
    if len(log) < 2: return None
    number = log[0][0]
    if any(k in outbox for k in log[0][2]): return None   # within an hour they are removed
    if WITHOUT != 'life' and any(s[0] not in ('head',) and s[2] < number for s in ss): return None
    return (doc, outbox, log[1:], fresh, ws, ss, hist, dups)

def again(world, x):
    """The put of an intent arrives once more."""
    doc, outbox, log, fresh, ws, ss, hist, dups = world
    o = dict(outbox); o[x[0]] = (x,)
    return (doc, o, log, fresh, ws, ss, hist, tuple(y for y in dups if y != x))

FINISHED = {}
def finish(world):
    """The log that a last settler makes of a world in which everybody else has crashed."""
    k = (world[0], tuple(sorted(world[1].items())), world[2])
    if k not in FINISHED:
        w = world[:4] + ((('read', (), None, 0),), (('head', 6) + IDLE[2:],), (), None)
        while w is not None: log = w[2]; w = settler(0, w[5][0], w)
        FINISHED[k] = log
    return FINISHED[k]

def key(world):
    return (world[0], tuple(sorted(world[1].items()))) + world[2:]

def explore(name, writers, settlers, gc, start, late):
    doc, outbox, hist = start or (None, {}, ())
    world = (doc, outbox, (), 10, tuple(('read', ops, None, 0) for ops in writers),
             tuple(('head', n) + IDLE[2:] for n in settlers), hist, () if late else None)
    seen, q, states = {key(world): None}, deque([(world, ())]), 0
    while q:
        world, read = q.popleft(); states += 1
        # read is what the targets have seen of the log: segments are removed only after that
        log, end = logged(world[2], read), logged(finish(world), read)
        if log != world[6][:len(log)] or end != world[6]:
            print(f'{name}: VIOLATION after {states} states: committed {world[6]}, log {log}, in the end {end}')
            for x in world: print('   ', x)
            return False
        nexts = []
        for i, w in enumerate(world[4]): nexts.append((writer(i, w, world), read))
        for i, s in enumerate(world[5]): nexts.append((settler(i, s, world), read))
        for x in world[7] or (): nexts.append((again(world, x), read))
        if gc:
            n = collect(world)
            if n is not None: nexts.append((n, read + (world[2][0],)))
        for n, r in nexts:
            if n is None: continue
            k = (key(n), r)
            if k not in seen:
                seen[k] = None; q.append((n, r))
    print(f'{name}: ok, {states} states')
    return True

def logged(log, read):
    """The changes that a target gets: those of the segments that it has read and of those behind them."""
    last = read[-1][0] if read else 0
    return tuple(c for s in read + tuple(s for s in log if s[0] > last) for c in s[1])

one = ((5, True, ()), {}, ())
scen = {                    # writers, passes of the settlers, segments are removed, start, puts arrive twice
    'insert and update':        ([('insert', 'update')], (2, 1), False, None, False),
    'two updates':              ([('update',), ('update',)], (1, 1), False, one, False),
    'three updates in a row':   ([('update', 'update', 'update')], (1, 1), False, one, False),
    'update against delete':    ([('update',), ('delete',)], (1, 1), False, one, False),
    'delete and insert again':  ([('delete', 'insert')], (1, 1), False, one, False),
    'insert against insert':    ([('insert',), ('insert',)], (1, 1), False, None, False),
    'segments are removed':     ([('update', 'update', 'update')], (2, 1), True, one, False),
    'puts arrive twice':        ([('update', 'update')], (1, 1), False, one, True),
}
ok = True
for name, (ws, ss, gc, start, late) in scen.items():
    if ONLY != 'all' and ONLY not in name: continue
    ok &= explore(name, ws, ss, gc, start, late)
sys.exit(0 if ok else 1)
