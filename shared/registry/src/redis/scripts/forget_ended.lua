-- Forgets the login data of a session of an account, if it has ended.
-- KEYS: record, kept. ARGV: account. Returns 1 when it is forgotten.
local own = redis.call('HMGET', KEYS[1], 'state', 'account')
if own[1] ~= 'ended' or own[2] ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
return 1
