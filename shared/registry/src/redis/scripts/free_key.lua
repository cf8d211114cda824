-- Frees a key: a call under it is a new one. One that a client chose stays once it has an outcome.
-- KEYS: record, keys, times, bytes. ARGV: fence, name, attempt. Returns 1, or 0 when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
local key = key_of(KEYS[2], ARGV[2], ARGV[3])
if key and (ARGV[3] ~= '' or not key.outcome) then
  drop_key(KEYS[2], KEYS[3], KEYS[4], ARGV[2])
end
return 1
