-- Looks API keys up. KEYS: records, tenants, ends, uses, counts, stamp. ARGV: ids.
-- Returns id, tenant, end and record of each that there is.
local found = {}
for _, id in ipairs(ARGV) do
  local record = redis.call('HGET', KEYS[1], id)
  if record then
    found[#found + 1] = id
    found[#found + 1] = redis.call('HGET', KEYS[2], id) or ''
    found[#found + 1] = text(tonumber(redis.call('ZSCORE', KEYS[3], id) or '0'))
    found[#found + 1] = record
  end
end
return found
