-- Writes the outcome of the call of a key. A key that was freed or has expired stays away.
-- KEYS: record, keys. ARGV: fence, key, outcome. Returns 1, or 0 when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
local found = redis.call('HGET', KEYS[2], ARGV[2])
if found then
  local key = cmsgpack.unpack(found)
  key.outcome = ARGV[3]
  redis.call('HSET', KEYS[2], ARGV[2], cmsgpack.pack(key))
end
return 1
