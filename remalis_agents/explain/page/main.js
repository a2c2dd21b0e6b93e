// Puts it all in motion, at the middle of the episode.
startTimeline();
startGraph();
look({ step: Math.floor(T / 2), agent: best(D.agents.map((_, i) => (K ? Array.from({ length: K }, (_, k) => +(neighbour(0, i, k) >= 0)).reduce((a, b) => a + b, 0) : 0))), what: D.first });
