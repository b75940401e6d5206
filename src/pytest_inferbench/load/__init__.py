"""Load: the hot path. Limits: nothing between a socket and its stamp; decoding and judging happen elsewhere.

engine (pytest's process)  --job-->  worker (a process of its own)
merges readings        <--records--   drive: poll loop over connections -> spool -> decode
"""
