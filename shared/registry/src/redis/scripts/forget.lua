-- Forgets a session that has ended, with all that was kept of it.
-- KEYS: all of the session, the record first. Returns account and fence, or nothing when it has not ended.
local own = redis.call('HMGET', KEYS[1], 'state', 'account', 'fence')
if own[1] ~= 'ended' then return {} end
redis.call('DEL', unpack(KEYS))
return { own[2], own[3] }
