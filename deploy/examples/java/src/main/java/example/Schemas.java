package example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;

/** The schemas that records were written with, from a registry, by the bytes that a record opens with. */
final class Schemas {
  private static final byte[] SINGLE_OBJECT = {(byte) 0xC3, 0x01}; // a fingerprint of eight bytes follows
  private static final byte CONFLUENT = 0; // an id of four bytes follows
  private final HttpClient http = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();
  private final Map<ByteBuffer, Schema> known = new HashMap<>();
  private final String registry;

  Schemas(String registry) {
    this.registry = registry;
  }

  /** A record in Avro's single-object encoding, or in Confluent's. */
  GenericRecord read(byte[] value) throws IOException, InterruptedException {
    ByteBuffer opening = ByteBuffer.wrap(value, 0, value[0] == CONFLUENT ? 5 : 10);
    if (!known.containsKey(opening)) {
      fetch(opening.duplicate());
    }
    Schema written = known.get(opening);
    if (written == null) {
      throw new IOException("the registry has no schema with this fingerprint, or these are no records of laurel");
    }
    int start = opening.remaining();
    var body = DecoderFactory.get().binaryDecoder(value, start, value.length - start, null);
    return new GenericDatumReader<GenericRecord>(written).read(null, body);
  }

  private void fetch(ByteBuffer opening) throws IOException, InterruptedException {
    if (opening.get(0) == CONFLUENT) {
      known.put(ByteBuffer.allocate(5).put(opening).flip(), parse(get("schemas/ids/" + opening.getInt(1))));
      return;
    }
    for (JsonNode subject : get("subjects")) { // a registry does not know fingerprints: of all it has, ours is made here
      for (JsonNode version : get("subjects/" + subject.asText() + "/versions")) {
        Schema schema = parse(get("subjects/" + subject.asText() + "/versions/" + version.asInt()));
        long fingerprint = SchemaNormalization.parsingFingerprint64(schema);
        ByteBuffer header = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN);
        known.put(header.put(SINGLE_OBJECT).putLong(fingerprint).flip(), schema);
      }
    }
  }

  private static Schema parse(JsonNode answer) {
    return new Schema.Parser().parse(answer.get("schema").asText());
  }

  private JsonNode get(String path) throws IOException, InterruptedException {
    var answer = http.send(HttpRequest.newBuilder(URI.create(registry + "/" + path)).build(), BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IOException(registry + "/" + path + ": " + answer.body());
    }
    return json.readTree(answer.body());
  }
}
