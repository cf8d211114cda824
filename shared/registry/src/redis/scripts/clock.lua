-- The time, by the clock that heartbeats are measured with. KEYS: as all scripts of workers.
return text(now())
