-- Chooses a worker for a new session; the choice counts as a session at once.
-- KEYS: lives, infos, sessions, dead. ARGV: broker, two random numbers (the script has no chance of its own), then ids
-- that are not wanted. Returns id and info, or nothing.
bury(KEYS[1], KEYS[2], KEYS[3], KEYS[4])
local unwanted = {}
for index = 4, #ARGV do unwanted[ARGV[index]] = true end

local all, total = {}, 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local text_of = redis.call('HGET', KEYS[2], id)
  local info = text_of and cjson.decode(text_of)
  local sessions = tonumber(redis.call('HGET', KEYS[3], id) or '0')
  if info and info.is_open and sessions < info.sessions_max and not unwanted[id] then
    all[#all + 1] = { id = id, info = text_of, sessions = sessions, brokers = info.brokers }
    total = total + sessions
  end
end
if #all == 0 then return {} end

local serving = {}
for _, each in ipairs(all) do
  if each.sessions <= 1.25 * total / #all + 8 then
    for _, broker in ipairs(each.brokers) do
      if broker == ARGV[1] then
        serving[#serving + 1] = each
        break
      end
    end
  end
end

local among = #serving > 0 and serving or all
local first = tonumber(ARGV[2]) % #among + 1
local chosen = among[first]
if #among > 1 then
  -- Of the others, so that two different ones are compared.
  local second = (first + tonumber(ARGV[3]) % (#among - 1)) % #among + 1
  if among[second].sessions < chosen.sessions then chosen = among[second] end
end
redis.call('HINCRBY', KEYS[3], chosen.id, 1)
return { chosen.id, chosen.info }
