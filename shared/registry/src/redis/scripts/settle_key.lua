-- Writes the outcome of the call of a key. A key that was freed, has expired or is of another attempt by now stays away, and so
-- does the word of another request than the one begun last; what is known is not replaced by what is not.
-- KEYS: record, keys, their bytes. ARGV: fence, name, attempt, outcome, 1 if it is known (else 0), number of the request that it
-- is of (empty: of the call). Returns 1, or 0 when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
local key = key_of(KEYS[2], ARGV[2], ARGV[3])
if not key then return 1 end
local is_known = ARGV[5] == '1'
local is_of_other = ARGV[6] ~= '' and key.number and key.number ~= ARGV[6]
if is_of_other or (key.is_known and not is_known) then return 1 end
key.outcome, key.is_known = ARGV[4], is_known
put_key(KEYS[2], KEYS[3], ARGV[2], key)
return 1
