-- Ids that are dead and not forgotten.
-- KEYS: lives, infos, sessions, dead. Returns id and time of death in ms of each in one row, after the time now.
local time = bury(KEYS[1], KEYS[2], KEYS[3], KEYS[4])
local found = redis.call('ZRANGE', KEYS[4], 0, -1, 'WITHSCORES')
table.insert(found, 1, text(time))
return found
