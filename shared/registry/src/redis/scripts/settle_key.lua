-- Writes the outcome of the call of a key. A key that was freed, has expired or is of another attempt by now stays away.
-- KEYS: record, keys, their bytes. ARGV: fence, name, attempt, outcome. Returns 1, or 0 when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
local key = key_of(KEYS[2], ARGV[2], ARGV[3])
if key then
  key.outcome = ARGV[4]
  put_key(KEYS[2], KEYS[3], ARGV[2], key)
end
return 1
